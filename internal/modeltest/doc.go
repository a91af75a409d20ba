// Package modeltest holds tests that compare a whole Issuer and Verifier with small models of
// what they promise: histories checked for linearizability, a state machine, the races by which
// a revoked key could be accepted, and leaked goroutines. It keeps the modules that these tests
// need out of the root's own tests.
package modeltest
