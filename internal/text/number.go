package text

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Duration returns d for a column of a table: three digits that matter and a
// unit, such as 312ns, 1.24ms, 12.3s, 1m05s, 3h20m and 12d. It takes at most
// seven columns, for a negative d at most eight.
func Duration(d time.Duration) string {
	if d < 0 {
		if d == math.MinInt64 {
			d++ // it has no positive counterpart
		}
		return "-" + Duration(-d)
	}
	// A value that would round up to the next unit's first belongs there.
	switch {
	case d == 0:
		return "0s"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + "ns"
	case d < 999500*time.Nanosecond:
		return digits(d, time.Microsecond, "µs")
	case d < 999500*time.Microsecond:
		return digits(d, time.Millisecond, "ms")
	case d < 59950*time.Millisecond:
		return digits(d, time.Second, "s")
	}
	switch s := int64(d.Round(time.Second) / time.Second); {
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 100*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	default:
		return strconv.FormatInt(s/(24*3600), 10) + "d"
	}
}

// digits returns d in unit with three digits in all.
func digits(d, unit time.Duration, name string) string {
	v := float64(d) / float64(unit)
	decimals := 0
	switch {
	case v < 9.995:
		decimals = 2
	case v < 99.95:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + name
}

// Size returns n bytes in IEC units, such as 0B, 812B, 1.2KiB, 99.9MiB and
// 512GiB: at most seven columns, for a negative n at most eight.
func Size(n int64) string {
	if n > -1024 && n < 1024 {
		return strconv.FormatInt(n, 10) + "B"
	}
	v, unit := float64(n), 0
	for math.Abs(v) >= 1023.5 {
		v /= 1024
		unit++
	}
	decimals := 0
	if math.Abs(v) < 99.95 {
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + "BKMGTPE"[unit:unit+1] + "iB"
}
