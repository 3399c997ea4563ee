package profile

import (
	"encoding/binary"
	"slices"
	"time"
)

// Options are what a Builder has to know.
type Options struct {
	Kind   Kind          // of the samples that it takes: CPU, OffCPU or Stall
	Period time.Duration // between two samples; 0 with OffCPU
	// MaxStacks bounds memory: of so many different stacks and labels all detail is kept;
	// 0 means 32,768, which take some 30 MiB. Later ones lose first lines, addresses and
	// what is of single requests, and then all but worker, phase and plugin.
	MaxStacks int
}

const (
	defaultStacks = 1 << 15
	maxDepth      = 1 << 10 // frames of a stack that are kept
	maxNotes      = 64
	maxCauses     = 64
)

// Builder adds samples up. It keeps each different stack once, and nothing of a sample that
// it was given.
type Builder struct {
	o   Options
	sum Summary
	in  *interner
	// A stack is the numbers of its places, leaf first, each in four bytes.
	stacks   []string
	stackIDs map[string]uint32
	tags     []tags
	tagIDs   map[tags]uint32
	values   map[entry]*[2]int64 // count and nanoseconds
	stalls   stalls
	key      []byte
}

// entry is what a profile has a sample for.
type entry struct{ stack, tags uint32 }

// tags are what a sample is labelled with.
type tags struct {
	worker int
	Labels // but for the request object
	vm     VMState
	tick   time.Duration
}

// NewBuilder returns a Builder of nothing yet.
func NewBuilder(o Options) *Builder {
	if o.MaxStacks <= 0 {
		o.MaxStacks = defaultStacks
	}
	b := &Builder{
		o: o, in: newInterner(4 * o.MaxStacks), stackIDs: map[string]uint32{}, tagIDs: map[tags]uint32{}, values: map[entry]*[2]int64{},
		sum: Summary{Kind: o.Kind, Period: o.Period, Lost: map[string]uint64{}, Truncated: map[string]uint64{}, Missing: map[string]uint64{}},
	}
	b.stalls.in = b.in
	return b
}

// Add takes the next sample. What is no sample of the Builder's kind is counted as lost.
func (b *Builder) Add(s *Sample) {
	switch n := uint64(max(s.Count, 1)); {
	case s.Kind == Lost:
		tally(b.sum.Lost, s.Cause, n)
	case s.Kind == Note:
		b.note(clean(s.Cause, maxPath))
	case s.Kind == Swept:
	case s.Kind != b.o.Kind:
		b.sum.Lost["samples of another kind"] += n
	default:
		b.sample(s, n)
	}
}

func (b *Builder) note(text string) {
	if len(b.sum.Notes) < maxNotes && !slices.Contains(b.sum.Notes, text) {
		b.sum.Notes = append(b.sum.Notes, text)
	}
}

func (b *Builder) sample(s *Sample, n uint64) {
	b.sum.Samples += n
	b.sum.Weight += s.Weight
	b.gaps(s, n)
	v := b.value(s, n)
	v[0] += int64(n)
	v[1] += int64(s.Weight)
	if s.Kind == Stall {
		b.stalls.add(s, b.key) // of the stack that value has kept
	}
}

// gaps counts samples of whose stack something could not be told.
func (b *Builder) gaps(s *Sample, n uint64) {
	if s.Truncated != "" {
		tally(b.sum.Truncated, s.Truncated, n)
	}
	for i := range s.Stack {
		if s.Stack[i].Kind == FrameMissing {
			tally(b.sum.Missing, s.Stack[i].Name, n)
			return
		}
	}
}

// tally counts by cause, of which there are a few.
func tally(counts map[string]uint64, cause string, n uint64) {
	if cause = clean(cause, maxLabel); counts[cause] == 0 && len(counts) >= maxCauses {
		cause = "other causes"
	}
	counts[cause] += n
}

// value returns where the sample is counted, with as much detail as there is room for.
func (b *Builder) value(s *Sample, n uint64) *[2]int64 {
	most := b.o.MaxStacks
	b.stackKey(s, true)
	if v := b.find(tagsOf(s), most); v != nil {
		return v
	}
	b.sum.Coarse += n
	b.stackKey(s, false)
	t := tagsOf(s)
	t.TraceID, t.URI, t.Host, t.tick = "", "", "", 0
	if v := b.find(t, most+most/4); v != nil {
		return v
	}
	b.key = b.appendPlace(b.key[:0], &Frame{Kind: FrameMissing, Name: "too many different stacks"}, true)
	if v := b.find(tags{worker: t.worker, Labels: Labels{Phase: t.Phase, Plugin: t.Plugin}}, most+most/2); v != nil {
		return v
	}
	return b.find(tags{}, 2*most)
}

// find returns the value of the stack whose key is at hand, and nil if it is new and there
// are most of them.
func (b *Builder) find(t tags, most int) *[2]int64 {
	full := len(b.values) >= most
	stack, ok := b.stackIDs[string(b.key)]
	if !ok {
		if full {
			return nil
		}
		stack = uint32(len(b.stacks))
		kept := string(b.key)
		b.stacks, b.stackIDs[kept] = append(b.stacks, kept), stack
	}
	tag, ok := b.tagIDs[t]
	if !ok {
		if full {
			return nil
		}
		tag = b.addTags(t)
	}
	v := b.values[entry{stack, tag}]
	if v == nil && !full {
		v = new([2]int64)
		b.values[entry{stack, tag}] = v
	}
	return v
}

// stackKey makes the key of the sample's stack. Of one that is too deep, the frames nearest
// to the root are left out, and that is a frame.
func (b *Builder) stackKey(s *Sample, exact bool) {
	b.key = b.key[:0]
	for i := range s.Stack {
		if i == maxDepth {
			b.key = b.appendPlace(b.key, &Frame{Kind: FrameMissing, Name: "stack deeper than 1,024 frames"}, true)
			break
		}
		b.key = b.appendPlace(b.key, &s.Stack[i], exact)
	}
	if s.Truncated != "" || len(s.Stack) == 0 {
		reason := s.Truncated
		if reason == "" {
			reason = "no stack"
		}
		b.key = b.appendPlace(b.key, &Frame{Kind: FrameMissing, Name: reason}, true)
	}
}

func (b *Builder) appendPlace(key []byte, f *Frame, exact bool) []byte {
	return binary.LittleEndian.AppendUint32(key, b.in.place(f, exact))
}
