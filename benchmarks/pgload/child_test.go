package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// A process whose parent was killed ends, at work or before.
func TestOrphan(t *testing.T) {
	t.Parallel()
	j, _ := filled(t)
	j.Options.Took = time.Hour
	for what, last := range map[string]string{"before it begins": "", "at work": "true\n"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			in, tell := io.Pipe()
			told, out := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				err := child(t.Context(), in, out)
				out.CloseWithError(io.EOF) // ends what is read of it
				ended <- err
			}()
			if err := json.NewEncoder(tell).Encode(j); err != nil {
				t.Fatal(err)
			}
			var ready bool
			if err := json.NewDecoder(told).Decode(&ready); err != nil {
				t.Fatal(err, <-ended)
			}
			if _, err := io.WriteString(tell, last); err != nil {
				t.Fatal(err)
			}
			if err := tell.Close(); err != nil {
				t.Error(err)
			}
			if err := <-ended; err == nil || !strings.Contains(err.Error(), "whoever started it has ended") {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
