package pgstore

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// The codes of PostgreSQL's errors (appendix A of its manual) that something follows from.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	unknownStatement     = "26000"
	undefinedTable       = "42P01"
	undefinedSchema      = "3F000"
	noPrivilege          = "42501"
	readOnlyTransaction  = "25006"
)

// code returns that of the database's answer; "": err is not an answer of the database.
func code(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}

// taken reports whether a value is there already that may be there once.
func taken(err error, constraint string) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == uniqueViolation && answer.ConstraintName == constraint
}

// undone reports whether a statement certainly had no effect, and may have one if it is tried again.
func undone(err error) bool {
	switch code(err) {
	case serializationFailure, deadlockDetected, unknownStatement: // the last: somebody had the session forget what was prepared
		return true
	}
	return pgconn.SafeToRetry(err)
}
