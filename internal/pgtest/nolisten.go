package pgtest

import "regexp"

var (
	// notifying finds the statements, at the beginning of one and after comments; not these words as names and values.
	notifying = regexp.MustCompile(`(?is)(^|;)((?:\s|--[^\n]*\n|/\*.*?\*/)*)(listen|unlisten|notify)\b`)
	notifier  = regexp.MustCompile(`(?i)\bpg_notify\b`)
)

// unknown renames, in SQL, all that has to do with notifications to what no server knows.
func unknown(sql []byte) []byte {
	sql = notifying.ReplaceAll(sql, []byte("${1}${2}no${3}"))
	return notifier.ReplaceAll(sql, []byte("pg_nonotify"))
}
