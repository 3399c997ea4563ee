package gateway

// Statics says where nginx keeps variables of its own, and in which order modules are.
// Workers are forks of one master, so it holds for all of them, and after a reload.
type Statics struct {
	Cycle      uint64 // address of ngx_cycle
	CachedTime uint64 // address of ngx_cached_time
	HTTPIndex  uint32 // ngx_http_module.index
	CoreIndex  uint32 // ngx_http_core_module.ctx_index
}

// FindStatics looks for them in a running process of t.
func (t *Target) FindStatics() (Statics, error) {
	pid := t.Master.PID
	if workers := t.Workers(); len(workers) > 0 {
		pid = workers[0]
	}
	mem, err := openMemory(pid)
	if err != nil {
		return Statics{}, err
	}
	defer mem.Close()
	at, err := dataSymbols(pid, t.Binary, "ngx_cycle", "ngx_cached_time", "ngx_http_module", "ngx_http_core_module")
	if err != nil {
		return Statics{}, err
	}
	// ngx_module_t: ctx_index, index.
	s := Statics{
		Cycle: at["ngx_cycle"], CachedTime: at["ngx_cached_time"],
		HTTPIndex: uint32(mem.word(at["ngx_http_module"] + 8)), CoreIndex: uint32(mem.word(at["ngx_http_core_module"])),
	}
	return s, mem.err
}
