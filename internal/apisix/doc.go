// Package apisix asks a gateway's Admin API and Control API what is configured.
//
//	Address (flags, environment, or Config of conf/config.yaml) -> Client -> Resource -> Mask
//
// Every call has a deadline and says what hung. The key goes to the Admin API alone: it is in
// no error and no log. Values stay the JSON that the API sent, in its order; gjson reads them.
package apisix
