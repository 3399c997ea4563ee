package replay

// What fuzzing goes through without a file.
var (
	CheckExchange = checkExchange
	ParseProfile  = parseProfile
)
