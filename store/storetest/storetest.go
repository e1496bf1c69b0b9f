package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/store"
)

// Fixture is one empty store and how to come back to it.
type Fixture struct {
	Store *store.Store
	// Reopen closes the store and opens it again.
	Reopen func() *store.Store
	// Crash gives the store as a new process finds it after this one was killed
	// now: nothing is closed, what was not committed is gone.
	Crash func() *store.Store
	// Peer opens the same data a second time, beside the first; with another
	// clock when one is given.
	Peer func(clock func() time.Time) *store.Store
	// Raw is everything that is on disk, as bytes to search.
	Raw func() []byte
}

// Context gives a context that ends before the test does.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Run runs the suite; open makes a fixture on fresh data.
func Run(t *testing.T, open func(t *testing.T) *Fixture) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, f *Fixture)
}

func cases() []testCase {
	return []testCase{
		{"users", testUsers},
		{"last name taken", testNamesTaken},
		{"link codes", testLinkCodes},
		{"memberships and grants", testMemberships},
		{"passes", testPasses},
		{"pass taken by many", testPassesRace},
		{"sessions", testSessions},
		{"unlinking", testUnlink},
		{"buttons", testButtons},
		{"button shown often", testButtonShownOften},
		{"button pressed by many", testButtonRace},
		{"vault", testVault},
		{"leases", testLeases},
		{"lease wanted by many", testLeasesRace},
		{"projects", testProjects},
		{"audit", testAudit},
		{"credentials", testCredentials},
		{"hosts", testHosts},
		{"host keys", testHostKeys},
		{"claiming hosts", testClaimHosts},
		{"claiming hosts at the same time", testClaimHostsRace},
		{"bundles", testBundles},
		{"clusters", testClusters},
		{"cluster needs its project", testClusterNeedsProject},
		{"operations", testOperations},
		{"operation starts once", testOperationCause},
		{"claim order", testClaimOrder},
		{"claim by many workers", testClaimRace},
		{"claim of lapsed leases", testClaimLapsed},
		{"claim as a model", testClaimModel},
		{"one active operation per cluster", testOneActive},
		{"renew", testRenew},
		{"signals", testSignals},
		{"undo of an ended operation", testUndoEnded},
		{"out of the queue", testOutOfTheQueue},
		{"retry", testRetry},
		{"cancel queued", testCancelQueued},
		{"checkpoint", testCheckpoint},
		{"checkpoint under a lost fence", testCheckpointFenced},
		{"checkpoint keeps a stop", testCheckpointKeepsStop},
		{"checkpoint cancels behind", testCheckpointCancels},
		{"deleted stays deleted", testDeletedStaysDeleted},
		{"undo before success", testUndoBeforeSuccess},
		{"checkpoint is all or nothing", testCheckpointAtomic},
		{"operation values", testValues},
		{"log", testLog},
		{"log size and pages", testLogSize},
		{"phase times", testPhaseTimes},
		{"events", testEvents},
		{"texts keep whole numbers", testWholeNumbers},
		{"inbox", testInbox},
		{"inbox claimed by many", testInboxRace},
		{"inbox forgets", testInboxForgets},
		{"routing", testRouting},
		{"routing at the same time", testRoutingRace},
		{"deliveries", testDeliveries},
		{"deliveries claimed by many", testDeliveriesRace},
		{"card deliveries", testCardDeliveries},
		{"card on its way", testCardOnItsWay},
		{"cards", testCards},
		{"pending accounts", testPendingAccounts},
		{"quota of a room", testRoomQuota},
		{"quota given back", testQuotaGivenBack},
		{"closed by the platform", testClosed},
		{"quota of edits", testEditQuota},
		{"quota after a lapsed lease", testQuotaLapsed},
		{"quota after a crash", testQuotaCrash},
		{"quota shared by many", testQuotaRace},
		{"turns of cards", testCardTurns},
		{"transcript", testTranscript},
		{"transcript cursors in commit order", testTranscriptOrder},
		{"rooms", testRooms},
		{"unread", testUnread},
		{"dialogues", testDialogues},
		{"what is waiting", testWaiting},
		{"purge of events", testPurgeEvents},
		{"purge in batches", testPurgeIsInBatches},
		{"purge of deliveries", testPurgeDeliveries},
		{"purge of messages and buttons", testPurgeInbox},
		{"purge of logs", testPurgeLogs},
		{"purge of the audit", testPurgeAudit},
		{"purge of the transcript", testPurgeTranscript},
		{"transaction rolls back", testRollback},
		{"nested transactions", testNested},
		{"panic rolls back", testPanic},
		{"outer context does not hang", testOuterContext},
		{"crash in a transaction", testCrash},
		{"secrets are sealed", testSealed},
		{"strange text", testStrangeText},
		{"wake-ups", testWakeups},
	}
}
