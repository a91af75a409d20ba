package hash_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

func Example() {
	d, err := hash.New([]byte("the secret"), hash.Default())
	if err != nil {
		log.Fatal(err)
	}
	stored := d.String()

	d, err = hash.Parse(stored)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Matches([]byte("the secret")))
	fmt.Println(d.Matches([]byte("another secret")))
	// Output:
	// true
	// false
}

// A server hashes behind a gate, under the id of what the hash belongs to.
func ExampleGate_Do() {
	gate, err := hash.NewGate(0, 0, 0) // the defaults
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	id := [16]byte{1}

	var d hash.Digest
	var hashErr error
	err = gate.Do(ctx, id, func() {
		d, hashErr = hash.New([]byte("the secret"), hash.Default())
	})
	if err != nil { // hash.ErrBusy, or the context's
		log.Fatal(err)
	}
	if hashErr != nil {
		log.Fatal(hashErr)
	}
	fmt.Println(d.Params())
	// Output:
	// {19456 2 1}
}
