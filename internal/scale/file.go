package scale

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// version changes when the files that Load writes do.
const version = 1

// File returns the path of a file of n keys in a folder, and loads it if it is not there. Who
// writes to it leaves it changed for the next.
func File(ctx context.Context, dir string, n int) (*Keys, string, error) {
	k, err := NewKeys(n)
	if err != nil {
		return nil, "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("keys-v%d-%d.db", version, n))
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return k, path, err
	}
	// Under another name, so that a load that was stopped is not taken for a file.
	temp, err := os.MkdirTemp(dir, ".load-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(temp)
	loading := filepath.Join(temp, "keys.db")
	if err := k.Load(ctx, loading); err != nil {
		return nil, "", err
	}
	return k, path, os.Rename(loading, path)
}

// Sizes reads a list of numbers of keys, as "10k,1M,10M".
func Sizes(list string) (sizes []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		digits, unit := text, 1
		switch {
		case strings.HasSuffix(text, "k"):
			digits, unit = text[:len(text)-1], 1_000
		case strings.HasSuffix(text, "M"):
			digits, unit = text[:len(text)-1], 1_000_000
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > 100_000_000/unit {
			return nil, fmt.Errorf("scale: %q is no number of keys", text)
		}
		sizes = append(sizes, n*unit)
	}
	return sizes, nil
}

// Size is how Sizes spells n.
func Size(n int) string {
	switch {
	case n%1_000_000 == 0:
		return strconv.Itoa(n/1_000_000) + "M"
	case n%1_000 == 0:
		return strconv.Itoa(n/1_000) + "k"
	}
	return strconv.Itoa(n)
}
