// Package pgstore keeps API keys in PostgreSQL, for a service that runs on more than one machine.
package pgstore
