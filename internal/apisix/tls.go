package apisix

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Certificates are the files for TLS to an API; empty where nothing differs from usual.
type Certificates struct {
	Authorities      string // whom to trust, instead of the system's
	Certificate, Key string // of the client
	ServerName       string // that the API's certificate is for, if not its address
}

// TLS reads the files. Nothing turns the check of the API's certificate off: the key would go
// to whoever answers.
func TLS(c Certificates) (*tls.Config, error) {
	out := &tls.Config{ServerName: c.ServerName}
	if c.Authorities != "" {
		pem, err := os.ReadFile(c.Authorities)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read authorities: %s has no certificate in PEM", c.Authorities)
		}
	}
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("read the client's certificate: %w", err)
		}
		if len(pair.Certificate) == 0 {
			return nil, errors.New("read the client's certificate: there is none")
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
