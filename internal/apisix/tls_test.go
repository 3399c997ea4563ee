package apisix

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// certificate writes a certificate that signs itself, and its key.
func certificate(t *testing.T, host string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	like := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, like, like, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t, "gateway.example")
	clientCert, clientKey := certificate(t, "client")
	server := func(wantClient bool) *httptest.Server {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"list":[],"total":0}`) }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		if wantClient {
			pool := x509.NewCertPool()
			data, _ := os.ReadFile(clientCert)
			pool.AppendCertsFromPEM(data)
			s.TLS.ClientCAs, s.TLS.ClientAuth = pool, tls.RequireAndVerifyClientCert
		}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	simple, mutual := server(false), server(true)
	for _, tt := range []struct {
		what       string
		url        string
		with       Certificates
		want, hint string
	}{
		{"unknown authority", simple.URL, Certificates{ServerName: "gateway.example"}, "its certificate is not trusted: x509: certificate signed by unknown authority", "--admin-ca"},
		{"another name", simple.URL, Certificates{Authorities: cert}, "its certificate is not trusted: x509: cannot validate certificate for 127.0.0.1", "--admin-server-name"},
		{"all well", simple.URL, Certificates{Authorities: cert, ServerName: "gateway.example"}, "", ""},
		{"no client certificate", mutual.URL, Certificates{Authorities: cert, ServerName: "gateway.example"}, "certificate required", "--admin-cert"},
		{"with a client certificate", mutual.URL, Certificates{Authorities: cert, ServerName: "gateway.example", Certificate: clientCert, Key: clientKey}, "", ""},
		{"http to a TLS port", strings.Replace(simple.URL, "https", "http", 1), Certificates{}, "400 bad request", "https://"},
	} {
		config, err := TLS(tt.with)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Options{URL: tt.url, TLS: config})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.List(t.Context(), Routes)
		if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) || !strings.Contains(hint.Of(err), tt.hint) {
			t.Errorf("%s: %v (hint %q), want %q", tt.what, err, hint.Of(err), tt.want)
		}
		c.Close()
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	c, err := New(Options{URL: strings.Replace(plain.URL, "http", "https", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.List(t.Context(), Routes); err == nil || !strings.Contains(err.Error(), "it does not speak TLS") {
		t.Errorf("https to a plain port: %v", err)
	}
}

func TestTLSFiles(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Certificates{{Authorities: "/nonexistent"}, {Authorities: empty}, {Certificate: empty, Key: empty}} {
		if _, err := TLS(c); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
