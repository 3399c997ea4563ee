package unwind

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A truth is what readelf says of the instructions from PC on: cells of its table, as
// "rsp+8", "c-16", "u" for unknown, "exp" for an expression.
type truth struct {
	pc          uint64
	cfa, fp, ra string
	covered     bool   // else there is no entry, and no cell
	cfaExpr     string // what cfa's exp stands for
	fpExpr      string
}

var (
	entryLine = regexp.MustCompile(`^([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)`)
	twoNames  = regexp.MustCompile(`(r\d+) \(\w+\)`)
	cfaText   = regexp.MustCompile(`DW_CFA_def_cfa_expression \((.*)\)$`)
	fpText    = regexp.MustCompile(`DW_CFA_expression: r(?:6 \(rbp\)|29 \(x29\)) \((.*)\)$`)
)

// A readelf reads what "readelf --debug-dump=frames-interp" and, behind it, the same with
// "frames" print.
type readelf struct {
	fp      string // rbp or x29
	columns map[string]int
	cies    map[string]truth
	entries map[string][]truth // by cie and range, in that order
	ranges  []span
	cie     string // being read
	entry   string
	at      uint64
}

// readTruths returns truths by PC; where an entry ends and none begins, there is one that is
// not covered.
func readTruths(t *testing.T, out io.Reader, fp string) []truth {
	t.Helper()
	r := readelf{fp: fp, cies: map[string]truth{}, entries: map[string][]truth{}}
	s := bufio.NewScanner(out)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		r.line(s.Text())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	truths := r.sorted()
	if len(truths) == 0 {
		t.Fatal("readelf says nothing")
	}
	return truths
}

// line looks at a line before it matches it: there are half a million of them.
func (r *readelf) line(line string) {
	switch {
	case strings.HasPrefix(line, "  DW_CFA_"):
		r.instruction(line)
	case strings.HasPrefix(line, "   LOC"):
		r.columns = map[string]int{}
		for i, name := range strings.Fields(line) {
			r.columns[name] = i
		}
	case strings.Contains(line, " FDE cie="):
		r.begin(entryLine.FindStringSubmatch(line))
	case strings.Contains(line, ` CIE`):
		r.cie, r.entry = line[:strings.Index(line, " ")], ""
	case len(line) > 16 && line[16] == ' ' && line[0] != ' ':
		if strings.Contains(line, "(") {
			line = twoNames.ReplaceAllString(line, "$1")
		}
		r.row(strings.Fields(line))
	}
}

// begin begins an entry, which has its CIE's row until it has one of its own.
func (r *readelf) begin(m []string) {
	r.entry, r.at = m[1], hexadecimal(m[3])
	if _, known := r.entries[r.entry]; known {
		return // it was in the table before the instructions
	}
	first := r.cies[m[2]]
	first.pc, first.covered = r.at, true
	end := hexadecimal(m[4])
	r.ranges = append(r.ranges, span{r.at, end})
	r.entries[r.entry] = []truth{first, {pc: end}}
}

func (r *readelf) row(cells []string) {
	cell := func(column string) string {
		if i, ok := r.columns[column]; ok && i < len(cells) {
			return cells[i]
		}
		return "u"
	}
	row := truth{pc: hexadecimal(cells[0]), cfa: cell("CFA"), fp: cell(r.fp), ra: cell("ra"), covered: true}
	if r.entry == "" {
		r.cies[r.cie] = row
		return
	}
	rows := r.entries[r.entry]
	gap := rows[len(rows)-1]
	rows = rows[:len(rows)-1]
	if rows[len(rows)-1].pc == row.pc {
		rows = rows[:len(rows)-1]
	}
	if row.pc < gap.pc {
		rows = append(rows, row)
	}
	r.entries[r.entry] = append(rows, gap)
}

// instruction notes what an expression is, of which the table says no more than that it
// is one.
func (r *readelf) instruction(line string) {
	if r.entry == "" {
		return
	}
	if strings.Contains(line, "advance_loc") {
		r.at = hexadecimal(line[strings.LastIndex(line, " ")+1:])
		return
	}
	if !strings.Contains(line, "expression") {
		return
	}
	cfa, fp := cfaText.FindStringSubmatch(line), fpText.FindStringSubmatch(line)
	rows := r.entries[r.entry]
	for i := range rows {
		if rows[i].pc < r.at {
			continue
		}
		if cfa != nil && rows[i].cfa == "exp" {
			rows[i].cfaExpr = cfa[1]
		}
		if fp != nil && rows[i].fp == "exp" {
			rows[i].fpExpr = fp[1]
		}
	}
}

// sorted returns all entries' rows. It wants entries that do not overlap.
func (r *readelf) sorted() []truth {
	byPC := map[uint64]truth{}
	var pcs []uint64
	for _, rows := range r.entries {
		for _, row := range rows {
			old, known := byPC[row.pc]
			if !known {
				pcs = append(pcs, row.pc)
			}
			if !known || !old.covered {
				byPC[row.pc] = row
			}
		}
	}
	return inOrder(pcs, byPC)
}

func hexadecimal(s string) uint64 {
	v, _ := strconv.ParseUint(s, 16, 64)
	return v
}

var registerNames = []string{"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// cells says in readelf's words what a row says: its CFA and its frame pointer, and
// expressions in full.
func (r Row) cells() (cfa, fp string) {
	deref := func(reg string) string {
		s := fmt.Sprintf("DW_OP_breg%s: %d; DW_OP_deref", reg, r.CFAOffset)
		if r.Add != 0 {
			s += fmt.Sprintf("; DW_OP_plus_uconst: %d", r.Add)
		}
		return s
	}
	switch r.CFA {
	case CFASP:
		cfa = fmt.Sprintf("rsp%+d", r.CFAOffset)
	case CFAFP:
		cfa = fmt.Sprintf("rbp%+d", r.CFAOffset)
	case CFARegister:
		cfa = fmt.Sprintf("%s%+d", registerNames[r.Add], r.CFAOffset)
	case CFASPDeref:
		cfa = deref("7 (rsp)")
	case CFAFPDeref:
		cfa = deref("6 (rbp)")
	case CFASignal:
		return "DW_OP_breg7 (rsp): 160; DW_OP_deref", "DW_OP_breg7 (rsp): 120"
	case CFAPLT:
		cfa = fmt.Sprintf("DW_OP_breg7 (rsp): %d; DW_OP_breg16 (rip): 0; DW_OP_lit15; DW_OP_and; DW_OP_lit%d; DW_OP_ge; DW_OP_lit3; DW_OP_shl; DW_OP_plus", r.CFAOffset, r.Add)
	case CFASPIndexed:
		cfa = fmt.Sprintf("DW_OP_breg7 (rsp): %d; DW_OP_breg9 (r9): 0; DW_OP_lit8; DW_OP_mul; DW_OP_plus; DW_OP_deref; DW_OP_plus_uconst: %d", r.CFAOffset, r.Add)
	}
	switch r.FP {
	case FPSame:
		fp = "u"
	case FPAtCFA:
		fp = fmt.Sprintf("c%+d", r.FPOffset)
	case FPAtFP:
		fp = fmt.Sprintf("DW_OP_breg6 (rbp): %d", r.FPOffset)
	case FPUnknown:
		fp = "lost"
	}
	return cfa, fp
}
