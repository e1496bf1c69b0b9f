package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// slowed makes every simulated action take long enough to be killed in.
const slowed = "sandbox:\n  speed: 0.5\nlimits:\n  per_user: 10000\n  per_room: 10000\n"

func full() bool { return os.Getenv("COXSWAIN_CRASH") == "full" }

// TestCrashSQLite kills the program twenty times while it creates clusters.
func TestCrashSQLite(t *testing.T) {
	kills := 20
	if full() {
		kills = 150
	}
	killOverAndOver(t, drive.New(t, "../../cmd/coxswain", slowed), kills)
}

// TestCrashPostgres does the same on PostgreSQL, in the full matrix.
func TestCrashPostgres(t *testing.T) {
	if !full() {
		t.Skip("runs with COXSWAIN_CRASH=full (make crash); every edge on PostgreSQL is tried in-process by lifecycle/lifecycletest")
	}
	dsn := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(dsn, []byte(pgtest.New(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	config := slowed + "store:\n  dsn: {file: " + dsn + "}\nengine:\n  lease: 3s\n"
	killOverAndOver(t, drive.New(t, "../../cmd/coxswain", config), 100)
}

// killOverAndOver creates clusters one after another, killing the program each
// time that it has got a step further, until it was killed often enough.
func killOverAndOver(t *testing.T, s *drive.Server, kills int) {
	var clusters []string
	done := 0
	for killed := 0; killed < kills; {
		name := fmt.Sprintf("c%d", len(clusters)+1)
		clusters = append(clusters, name)
		s.Chat("cluster create " + name + " region=sandbox masters=1 workers=1")
		for done = 0; killed < kills; killed++ {
			if further(s, &done) {
				break
			}
			s.Kill()
			s.Start()
		}
		drive.Eventually(t, 2*time.Minute, "the create of "+name+" ends", func() bool { return s.Newest().Ended() })
		if op := s.Newest(); op.Status != "succeeded" {
			t.Fatalf("%s %s after %d kills:\n%s", op.Operation, op.Status, killed, s.Chat("op logs "+op.Operation))
		}
	}
	t.Logf("killed %d times during %d creates", kills, len(clusters))
	for _, name := range clusters {
		var shown struct {
			Status    string
			Simulated bool
			Nodes     []struct{ Status string }
		}
		s.JSON(&shown, "cluster show "+name)
		if shown.Status != "running" || !shown.Simulated || len(shown.Nodes) != 2 {
			t.Errorf("%s is %+v", name, shown)
		}
	}
	cardsEnded(t, s, len(clusters))
	s.Kill()
	witness(t, filepath.Join(s.Data, "sandbox"), clusters)
	s.Start()
}

// further waits until the newest operation has more finished steps than done, or
// has ended.
func further(s *drive.Server, done *int) (ended bool) {
	drive.Eventually(s.TB, 90*time.Second, "the operation gets further", func() bool {
		op := s.Newest()
		if ended = op.Ended(); ended {
			return true
		}
		now := 0
		for _, st := range s.Card(op.Operation).Steps {
			if st.Status == "done" || st.Status == "satisfied" {
				now++
			}
		}
		if now <= *done {
			return false
		}
		*done = now
		return true
	})
	return ended
}

// cardsEnded looks for the living cards in the room: of each operation there is
// one, and it has come to its end, killed program or not.
func cardsEnded(t *testing.T, s *drive.Server, want int) {
	t.Helper()
	drive.Eventually(t, time.Minute, "every card has come to its end", func() bool {
		ended := map[string]int{}
		for _, e := range s.Shown("terminal") {
			if e.Bot.Operation == "" || e.Bot.Progress == nil {
				continue
			}
			if !e.Bot.Final || !e.Bot.Succeeded {
				return false
			}
			ended[e.Bot.Operation]++
		}
		for op, n := range ended {
			if n != 1 {
				t.Fatalf("%s has %d cards", op, n)
			}
		}
		return len(ended) == want
	})
}

// witness asks the sandbox's ledger: no machine twice, no step's effect twice.
func witness(t *testing.T, dir string, clusters []string) {
	t.Helper()
	ledger, err := sandbox.ReadLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	created := 0
	for name, n := range ledger.MachinesCreated("") {
		created++
		if n != 1 {
			t.Errorf("machine %s was created %d times", name, n)
		}
	}
	if created != 2*len(clusters) {
		t.Errorf("%d machines for %d clusters of two", created, len(clusters))
	}
	for _, effect := range []struct {
		command string
		want    int
	}{{"kubeadm init --config", len(clusters)}, {"kubeadm join", len(clusters)}} {
		total := 0
		for machine, n := range ledger.Effects(effect.command) {
			total += n
			if n != 1 {
				t.Errorf("%s took effect %d times on %s", effect.command, n, machine)
			}
		}
		if total != effect.want {
			t.Errorf("%s took effect %d times in all, want %d", effect.command, total, effect.want)
		}
	}
	if unknown := ledger.Unknown(); len(unknown) > 0 {
		t.Errorf("the sandbox does not know %v", unknown)
	}
}
