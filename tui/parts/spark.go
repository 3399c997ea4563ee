package parts

// bars are eighths of a cell.
var bars = [...]string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// Spark puts counts on a line as bars in so many columns, the newest at the right: each column
// stands for the same number of counts, the highest for the most of all, and where there was
// nothing it is blank. Bars in which some failed are red.
func (l *Line) Spark(counts, failed []uint32, columns int) *Line {
	columns = min(columns, l.Left())
	if columns <= 0 {
		return l
	}
	sums, bad := fold(counts, columns), fold(failed, columns)
	most := uint64(1)
	for _, n := range sums {
		most = max(most, n)
	}
	for i, n := range sums {
		switch {
		case n == 0:
			l.Put(Plain, " ")
		case bad[i] > 0:
			l.Put(Red, bar(n, most))
		default:
			l.Put(Cyan, bar(n, most))
		}
	}
	return l
}

func bar(n, most uint64) string { return bars[int((n*uint64(len(bars))-1)/most)] }

// fold sums up counts so that they fit; the last ones are the last column's.
func fold(counts []uint32, columns int) []uint64 {
	per := max((len(counts)+columns-1)/columns, 1)
	sums := make([]uint64, columns)
	for i, n := range counts {
		sums[columns-1-(len(counts)-1-i)/per] += uint64(n)
	}
	return sums
}
