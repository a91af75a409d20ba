package leak

import (
	"context"
	"log/slog"
)

// A Handler cuts keys out of log records before another handler gets them: out of the message, the names and values of
// attributes, and the names of groups. Numbers, times and the source are passed on.
//
// Whatever a value is, it is asked for its text in the ways in which handlers do: as an error, a
// [fmt.Stringer], an [encoding.TextMarshaler], a []byte, by package json, and as %+v prints it. If no such text holds
// a key, the value is passed on as it is; else its text or its JSON is, without the key. That costs what formatting it
// costs, once more. Not found are keys in a []byte inside of a value, which is printed in base64 or as numbers,
// and what a handler shows that looks into values in its own way: put a [Writer] under it.
//
// A [slog.LogValuer] is asked once: when a record is handled, or in WithAttrs. Safe for concurrent use if the other
// handler is.
type Handler struct {
	next     slog.Handler
	redactor *Redactor
}

// NewHandler returns a Handler in front of next; r says what is cut out, nil: keys of any prefix.
func NewHandler(next slog.Handler, r *Redactor) *Handler { return &Handler{next, r} }

// Enabled asks the other handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes on a record without keys, and returns the error of the other handler.
func (h *Handler) Handle(ctx context.Context, record slog.Record) error {
	out := slog.NewRecord(record.Time, record.Level, h.redactor.Redact(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.redactor.attr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs returns a Handler whose records have these attributes, too, without the keys in them.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(h.redactor.attrs(attrs)), h.redactor}
}

// WithGroup returns a Handler that puts what comes into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(h.redactor.Redact(name)), h.redactor}
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
