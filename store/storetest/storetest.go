// Package storetest tests implementations of [apikey.Store] against the contract that its
// doc comments state.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) apikey.Store {
//			s := mystore.Open(t.TempDir())
//			t.Cleanup(func() { s.Close() })
//			return s
//		})
//	}
//
// A store that implements [apikey.Watcher] also calls [RunWatcher], one that implements
// [apikey.ChangeLog] [RunChangeLog], and one that outlives its process [RunDurable]. Run them
// with -race, which sees what the tests can't.
//
// For tests of the code above a store there is [Fault].
package storetest

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// clause is one clause of the contract. check fails t if s breaks it.
type clause struct {
	name  string
	check func(t testing.TB, s apikey.Store)
}

var storeClauses = []clause{
	{"Missing", missing},
	{"CreateSetsVersion1", createSetsVersion1},
	{"CreateRefusesAnIDThatIsThere", createRefusesAnIDThatIsThere},
	{"ReplaceStoresTheNextVersion", replaceStoresTheNextVersion},
	{"ReplaceRefusesAnotherVersion", replaceRefusesAnotherVersion},
	{"ReplaceWithVersion0NeverWrites", replaceWithVersion0NeverWrites},
	{"ReplaceNeverCreates", replaceNeverCreates},
	{"DeleteRemoves", deleteRemoves},
	{"OneReplaceOfAVersionWins", oneReplaceOfAVersionWins},
	{"ReplacesAddUp", replacesAddUp},

	{"EveryField", everyField},
	{"ExtremeValues", extremeValues},
	{"ZeroFields", zeroFields},
	{"Times", times},
	{"ClaimsVerbatim", claimsVerbatim},
	{"UnknownFields", unknownFields},
	{"CopiesIn", copiesIn},
	{"CopiesOut", copiesOut},
	{"CopiesLast", copiesLast},

	{"UniqueKeys", uniqueKeys},
	{"UniqueKeysAreBytes", uniqueKeysAreBytes},
	{"UniqueKeyFreed", uniqueKeyFreed},
	{"UniqueKeyKept", uniqueKeyKept},
	{"FailedWritesTakeNoUniqueKey", failedWritesTakeNoUniqueKey},
	{"UniqueKeyRacedByCreates", uniqueKeyRacedByCreates},
	{"UniqueKeyRacedByReplace", uniqueKeyRacedByReplace},

	{"ListNewestFirst", listNewestFirst},
	{"ListSortsBytes", listSortsBytes},
	{"ListLimits", listLimits},
	{"ListBefore", listBefore},
	{"ListFilters", listFilters},
	{"ListValidAt", listValidAt},
	{"ListTextIsLiteral", listTextIsLiteral},
	{"ListFollowsReplace", listFollowsReplace},
	{"ListWhileRecordsComeAndGo", listWhileRecordsComeAndGo},
	{"ListWhileRecordsAreReplaced", listWhileRecordsAreReplaced},

	{"UseMovesForward", useMovesForward},
	{"UseSkipsUnknown", useSkipsUnknown},
	{"UseInBatches", useInBatches},
	{"UseIsNoVersion", useIsNoVersion},
	{"UseSurvivesReplace", useSurvivesReplace},
	{"UseNeverRevives", useNeverRevives},

	{"Values", values},
	{"ValueNames", valueNames},
	{"EmptyValueIsAValue", emptyValueIsAValue},
	{"ValueCopies", valueCopies},
	{"OneInsertOfAValueWins", oneInsertOfAValueWins},
	{"SwapsAddUp", swapsAddUp},

	{"DoneContext", doneContext},
	{"ContextThatEnds", contextThatEnds},
	{"Closed", closed},
	{"Concurrency", concurrency},
}

// Run tests that the stores open returns keep the contract of [apikey.Store]. open is called
// for each subtest and returns an empty store; it may use t.Cleanup to close it.
//
// If the store has a method Close() error, calls after it must fail.
func Run(t *testing.T, open func(t *testing.T) apikey.Store) {
	for _, c := range storeClauses {
		t.Run(c.name, func(t *testing.T) { c.check(t, open(t)) })
	}
}

var watcherClauses = []clause{
	{"ToldBeforeReturn", toldBeforeReturn},
	{"ToldAfterCommit", toldAfterCommit},
	{"ToldOfConflicts", toldOfConflicts},
	{"ToldInEveryGoroutine", toldInEveryGoroutine},
	{"ToldOfDoubtfulWrites", toldOfDoubtfulWrites},
	{"NotToldOfUse", notToldOfUse},
	{"EveryWatcherIsTold", everyWatcherIsTold},
	{"StopStops", stopStops},
	{"Fresh", fresh},
	{"CloseIsAGap", closeIsAGap},
}

// RunWatcher tests that the stores open returns keep the contract of [apikey.Watcher]. Call
// it beside [Run]; a store that does not implement Watcher fails.
//
// It sees one Store value at a time. That a change made through another value or by another
// process arrives is for the store's own tests.
func RunWatcher(t *testing.T, open func(t *testing.T) apikey.Store) {
	for _, c := range watcherClauses {
		t.Run(c.name, func(t *testing.T) { c.check(t, open(t)) })
	}
}

var changeLogClauses = []clause{
	{"LoggedBeforeReturn", loggedBeforeReturn},
	{"LoggedWithTheCommit", loggedWithTheCommit},
	{"CreatesAreNoChanges", createsAreNoChanges},
	{"RefusedWritesAreNoChanges", refusedWritesAreNoChanges},
	{"DoubtfulWritesAreLogged", doubtfulWritesAreLogged},
	{"ChangesInEveryGoroutine", changesInEveryGoroutine},
	{"ChangesWithin", changesWithin},
	{"ChangesAreCopies", changesAreCopies},
	{"ChangesWithAContextThatIsDone", changesWithAContextThatIsDone},
	{"ChangesAfterClose", changesAfterClose},
}

// RunChangeLog tests that the stores open returns keep the contract of [apikey.ChangeLog]. Call
// it beside [Run]; a store that does not implement ChangeLog fails.
//
// It has no clock to set. That Changes leaves out what is older than it is asked for, and that
// the store forgets, is for the store's own tests.
func RunChangeLog(t *testing.T, open func(t *testing.T) apikey.Store) {
	for _, c := range changeLogClauses {
		t.Run(c.name, func(t *testing.T) { c.check(t, open(t)) })
	}
}

// durableClause is a clause about what is there after reopening. reopen closes the store
// and returns one that was opened on the same data.
type durableClause struct {
	name  string
	check func(t testing.TB, s apikey.Store, reopen func() apikey.Store)
}

var durableClauses = []durableClause{
	{"Records", durableRecords},
	{"Indexes", durableIndexes},
	{"Values", durableValues},
	{"EveryWrite", durableEveryWrite},
	{"Changes", durableChanges},
}

// RunDurable tests that what was written is there when a store is opened again, and its
// [apikey.ChangeLog], if it has one. Call it beside [Run].
//
// open is called with nil for an empty store. Called with the store it returned last, it
// closes that one and opens the same data again.
func RunDurable(t *testing.T, open func(t *testing.T, reopen apikey.Store) apikey.Store) {
	for _, c := range durableClauses {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, nil)
			c.check(t, s, func() apikey.Store {
				s = open(t, s)
				return s
			})
		})
	}
}
