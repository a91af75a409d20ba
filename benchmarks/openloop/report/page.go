package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// head begins a page that is new.
const head = `# Storms and floods

What happens when all come at once: after a restart, when nothing is cached, and when somebody floods a
server with keys that are none. Written by the programs in ` + "`benchmarks/storm` and `benchmarks/flood`" + `, each its own
section. Times are of one machine; what counts is the ratios, whose two sides come from the same run.
`

// Write puts the section into the page at path: in the place of its former one, or at the end.
func (s *Section) Write(path string) error {
	page, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		page = []byte(head)
	case err != nil:
		return fmt.Errorf("read the page: %w", err)
	}
	text, err := s.into(string(page))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func (s *Section) into(page string) (string, error) {
	begin, end := fmt.Sprintf("<!-- %s -->\n", s.Name), fmt.Sprintf("<!-- end of %s -->\n", s.Name)
	section := begin + s.markdown() + end
	before, rest, found := strings.Cut(page, begin)
	if !found {
		return strings.TrimRight(page, "\n") + "\n\n" + section, nil
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("the section %s has no end", s.Name)
	}
	return before + section + after, nil
}
