package webload

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// The log.
const (
	logLines   = 200_000
	logHosts   = 10
	mostOpen   = time.Second
	mostGrowth = 20.0 // MB
)

// chatter lets every simulated host print its share of a log, and fail.
func chatter() string {
	var b strings.Builder
	b.WriteString(atEase + `sandbox:
  speed: 50
  faults:
    - command: "apt-get -y -qq install*"
      action: fail
      output: |
`)
	for i := range logLines / logHosts {
		fmt.Fprintf(&b, "        Unpacking package-%05d over the older one\n", i)
	}
	return b.String()
}

// TestLargeLog lets hosts write a log of 200,000 lines and opens its page: at its
// end, all over it and by searching it. The server's memory is that of a process
// which did not write it.
func TestLargeLog(t *testing.T) {
	t.Parallel()
	s := drive.NewWeb(t, program, chatter())
	s.Chat("cluster create demo region=sandbox masters=1 workers=" + fmt.Sprint(logHosts-1))
	b := newTerminal(t, s).entered("")
	drive.Eventually(t, 2*patience, "the log has its lines", func() bool { return b.piece(t, "?limit=0").Total >= logLines })
	s.Kill()
	// Without the hosts nothing more is printed.
	s.Configure(atEase + "sandbox: {enabled: false}\n")
	s.Start()
	b.get("/operations") // what every first page needs is there
	before := resident(t, s.Pid())
	status, _, page := b.get("/op/op-1")
	if status != http.StatusOK {
		t.Fatalf("the page: %d", status)
	}
	began := time.Now()
	total := b.piece(t, "?limit=0").Total
	end := b.piece(t, fmt.Sprintf("?known=%d&limit=500&offset=%d", total, total-500))
	opened := page + time.Since(began)
	if total < logLines || len(end.Lines) != 500 {
		t.Errorf("the log has %d lines, its end %d", total, len(end.Lines))
	}
	most, slowest := resident(t, s.Pid()), time.Duration(0)
	for i := range 50 {
		began = time.Now()
		if got := b.piece(t, fmt.Sprintf("?known=%d&limit=500&offset=%d", total, i*total/51)); len(got.Lines) != 500 {
			t.Errorf("window %d has %d lines", i, len(got.Lines))
		}
		slowest = max(slowest, time.Since(began))
		most = max(most, resident(t, s.Pid()))
	}
	began = time.Now()
	found := b.piece(t, "?limit=500&q=package-12345").Total
	searched := time.Since(began)
	most = max(most, resident(t, s.Pid()))
	t.Logf("%d lines: opened in %s, slowest of 50 windows %s, search with %d hits %s; %.1f MB before, at most %.1f", total,
		opened.Round(time.Millisecond), slowest.Round(time.Millisecond), found, searched.Round(time.Millisecond), before, most)
	if opened > mostOpen {
		t.Errorf("the log opens in %s, at most %s are allowed", opened, mostOpen)
	}
	if most-before > mostGrowth {
		t.Errorf("the server grew by %.1f MB, at most %.0f are allowed", most-before, mostGrowth)
	}
}

// piece is a part of the log.
type piece struct {
	Total int
	Lines []json.RawMessage
}

func (b *browser) piece(t *testing.T, query string) (p piece) {
	t.Helper()
	status, body, _ := b.get("/op/op-1/log" + query)
	if status != http.StatusOK {
		t.Fatalf("the log: %d", status)
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}
