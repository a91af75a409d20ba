package leak_test

import (
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// somebodys was never issued by anybody; its checksum is right.
const somebodys = "ak_08TV6fuWcE3Bqni0jF420fJznFaMEAbjbKgXngpvOmz1LNILnJccyER002QgfOLfTy0lMAMe"

func ExampleRedactor() {
	redactor, err := leak.NewRedactor("ak")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(redactor.Redact("GET /?key=" + somebodys))
	fmt.Println(redactor.Redact("the first line of it: " + somebodys[:60])) // of which no checksum tells
	// Output:
	// GET /?key=ak_0197a1b2c3d47e5f8a0b1c2d3e4f5061[redacted]
	// the first line of it: ak_[redacted]
}

func ExampleNewWriter() {
	logger := log.New(leak.NewWriter(os.Stdout, nil), "", 0)
	logger.Println("no such key:", somebodys)
	// Output:
	// no such key: ak_0197a1b2c3d47e5f8a0b1c2d3e4f5061[redacted]
}

func ExampleNewLogHandler() {
	withoutTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	logger := slog.New(leak.NewLogHandler(slog.NewJSONHandler(os.Stdout, withoutTime), nil))
	logger.Info("refused", "err", errors.New("no such key: "+somebodys), "headers", map[string][]string{"X-Api-Key": {somebodys}})
	// Output:
	// {"level":"INFO","msg":"refused","err":"no such key: ak_0197a1b2c3d47e5f8a0b1c2d3e4f5061[redacted]","headers":{"X-Api-Key":["ak_0197a1b2c3d47e5f8a0b1c2d3e4f5061[redacted]"]}}
}
