package bpf

// WithoutSymbols makes the sampler find the Lua VMs as in a gateway that exports nothing: by
// the first Lua thread that a sample meets.
func (o SampleOptions) WithoutSymbols() SampleOptions {
	o.noSymbols = true
	return o
}
