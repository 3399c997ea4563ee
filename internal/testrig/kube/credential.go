package kube

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Admin may do anything in a cluster.
const Admin = "admin"

// writeCredentials writes the tokens of the administrator, of the nodes and of the users, and
// the key that signs those of service accounts.
func (c *Cluster) writeCredentials(users map[string][]string) error {
	var tokens strings.Builder
	add := func(user, account string, groups ...string) error {
		fmt.Fprintf(&tokens, "%s-token,%s,%s,%q\n", user, account, user, strings.Join(groups, ","))
		return os.WriteFile(c.Config(user), fmt.Appendf(nil, kubeconfig, c.nodes[0].address(), c.path("certs/apiserver.crt"), user), 0o600)
	}
	if err := add(Admin, Admin, "system:masters"); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := add(n.name, "system:node:"+n.name, "system:nodes"); err != nil {
			return err
		}
	}
	for user, groups := range users {
		if err := add(user, user, groups...); err != nil {
			return err
		}
	}
	if err := os.WriteFile(c.path("tokens.csv"), []byte(tokens.String()), 0o600); err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return os.WriteFile(c.path("certs/accounts.key"), block, 0o600)
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://%s:6443", certificate-authority: %s}}]
users: [{name: user, user: {token: %s-token}}]
contexts: [{name: test, context: {cluster: test, user: user}}]
current-context: test
`

// Config returns the path of a user's kubeconfig.
func (c *Cluster) Config(user string) string { return c.path("config", user) }

func (c *Cluster) path(names ...string) string {
	return filepath.Join(append([]string{c.dir}, names...)...)
}
