// Package pages has the pages of the terminal program, a file each.
//
//	tui.State -> a Page -> lines of the screen
package pages
