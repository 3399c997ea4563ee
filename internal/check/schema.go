package check

import _ "embed"

// Schema is the JSON Schema of a file of checks, for editors.
//
//go:embed check.schema.json
var Schema string
