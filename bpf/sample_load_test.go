package bpf

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// verifiedMost is how many instructions the verifier may follow of one program: some 59,000
// in Linux 6.18, and other releases count otherwise. It gives up at a million; a step that is
// no global function soon brings it there.
const verifiedMost = 200000

// TestBPFSampleVerified loads the sampling programs in all settings that change them, and
// tells how much work they are for the verifier.
func TestBPFSampleVerified(t *testing.T) {
	testrig.NeedBPF(t)
	if err := rlimit.RemoveMemlock(); err != nil { // which counts maps before Linux 5.11
		t.Fatal(err)
	}
	for name, helper := range map[string]uint32{"helper": 1, "stack": 0} {
		t.Run(name, func(t *testing.T) {
			if helper == 1 && taskRegs() == 0 {
				t.Skip("this kernel has no bpf_task_pt_regs")
			}
			spec, err := loadSample()
			if err != nil {
				t.Fatal(err)
			}
			if err := spec.Variables[sampleVarHasTaskRegs].Set(helper); err != nil {
				t.Fatal(err)
			}
			// Where they are 0, the kernel leaves out what they are for.
			some := sampleNgxLayout{R_main: 8, R_connection: 8, R_ctx: 24, C_fd: 24, R_headersIn: 32, InServer: 8, EltSize: 56, EltValue: 24}
			hash, length := wantedHeaders(nil)
			if err := errors.Join(spec.Variables[sampleVarWantedHash].Set(hash), spec.Variables[sampleVarWantedLen].Set(length)); err != nil {
				t.Fatal(err)
			}
			if err := spec.Variables[sampleVarNgx].Set(some); err != nil {
				t.Fatal(err)
			}
			vm := sampleLuaVm{Cycle: 4096, CurL: 368, Registry: 272, CtxRef: 16}
			if err := spec.Variables[sampleVarLua].Set(vm); err != nil {
				t.Fatal(err)
			}
			all, err := ebpf.NewCollection(spec)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			defer all.Close()
			for name, p := range all.Programs {
				info, err := p.Info()
				if err != nil {
					t.Fatal(err)
				}
				n, ok := info.VerifiedInstructions()
				t.Logf("%-14s %6d instructions verified (the kernel tells: %v)", name, n, ok)
				if n > verifiedMost {
					t.Errorf("%s: %d instructions verified, want at most %d", name, n, verifiedMost)
				}
			}
		})
	}
}
