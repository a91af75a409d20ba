package leak

import (
	"context"
	"log/slog"
)

// A LogHandler cuts keys out of log records before another handler gets them: out of the message, the names and values
// of attributes, and the names of groups. Numbers, times and the source are passed on, and bytes as bytes.
//
// Any other value is passed on behind another that prints it, as package fmt, package json or its own methods do, and
// cuts keys out of that. So each form of a value is made by the other handler, when it asks for it, and no other form
// is: what String or a tag of json hides stays hidden. [slog.TextHandler] and [slog.JSONHandler] print what they would
// print, but for the keys. A handler that looks at types, as in [slog.HandlerOptions].ReplaceAttr, sees whether a value
// is an error, a [fmt.Stringer] or an [encoding.TextMarshaler], and no other type. Such an error has the text of the
// original, and [errors.Is] works; there is no way to unwrap it, which would bring the key back.
//
// Not found are keys in a []byte inside of a value, which is printed in base64 or as numbers, and what a handler shows
// that looks into values in its own way: put a [Writer] under it.
//
// A [slog.LogValuer] is asked once: when a record is handled, or in WithAttrs. Safe for concurrent use if the other
// handler is.
type LogHandler struct {
	next     slog.Handler
	redactor *Redactor
}

// NewLogHandler returns a LogHandler in front of next; r says what is cut out, nil: what looks like a key of any
// prefix.
func NewLogHandler(next slog.Handler, r *Redactor) *LogHandler { return &LogHandler{next, r} }

// Enabled asks the other handler.
func (h *LogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes on a record without keys, and returns the error of the other handler.
func (h *LogHandler) Handle(ctx context.Context, record slog.Record) error {
	out := slog.NewRecord(record.Time, record.Level, h.redactor.Redact(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.redactor.attr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs returns a LogHandler whose records have these attributes, too, without the keys in them.
func (h *LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &LogHandler{h.next.WithAttrs(h.redactor.attrs(attrs)), h.redactor}
}

// WithGroup returns a LogHandler that puts what comes into a group.
func (h *LogHandler) WithGroup(name string) slog.Handler {
	return &LogHandler{h.next.WithGroup(h.redactor.Redact(name)), h.redactor}
}

func (r *Redactor) attrs(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = r.attr(a)
	}
	return out
}

func (r *Redactor) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(r.Redact(v.String()))
	case slog.KindGroup:
		v = slog.GroupValue(r.attrs(v.Group())...)
	case slog.KindAny:
		v = r.value(v)
	}
	return slog.Attr{Key: r.Redact(a.Key), Value: v}
}
