// Command scale loads a bbolt file of many synthetic keys, and says what it takes up.
//
//	go run ./scale -keys 10M -dir /var/tmp/scale
//
// The benchmarks of store/boltstore use the files that are in a folder:
//
//	APIKEY_SCALE=10k,1M,10M APIKEY_SCALE_DIR=/var/tmp/scale go test -run xxx -bench Scale ./store/boltstore
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/scale"
)

func main() {
	sizes := flag.String("keys", "10k", "numbers of keys, as in 10k,1M,10M")
	dir := flag.String("dir", os.TempDir(), "the folder for the files; what is there is not loaded again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := load(ctx, *sizes, *dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(ctx context.Context, list, dir string) error {
	sizes, err := scale.Sizes(list)
	if err != nil {
		return err
	}
	for _, n := range sizes {
		begun := time.Now()
		_, path, err := scale.File(ctx, dir, n)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s keys, %d bytes, %d a key, in %s\n",
			path, scale.Size(n), info.Size(), info.Size()/int64(n), time.Since(begun).Round(time.Millisecond))
	}
	return nil
}
