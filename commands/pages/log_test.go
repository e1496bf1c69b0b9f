package pages_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

type piece struct {
	Total  int
	Last   int64
	Offset int
	Words  string
	Lines  []struct {
		Seq                     int64
		Time, Phase, Node, Line string
		Cut                     bool
	}
}

func (w *world) piece(who, path string) piece {
	w.t.Helper()
	got := w.get(who, path)
	if got.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	var p piece
	check(w.t, json.Unmarshal([]byte(got.body), &p))
	return p
}

func TestLog(t *testing.T) {
	w := newWorld(t)
	o := w.demo()
	log := "/op/" + o.Label() + "/log"
	all := w.piece("viewer", log+"?limit=10")
	if all.Total != 3 || all.Last != 3 || all.Words != "3 lines" || len(all.Lines) != 3 || all.Lines[1].Line != "E: no package" || all.Lines[0].Node != "demo-m1" {
		t.Errorf("all: %+v", all)
	}
	for query, want := range map[string]string{
		"limit=10&offset=1":                      "3:E: no package|Setting up kubelet",
		"limit=1&offset=1":                       "3:E: no package",
		"limit=10&node=demo-m1":                  "2:hello|Setting up kubelet",
		"limit=10&node=demo-m1&phase=packages":   "1:Setting up kubelet",
		"limit=10&q=KUBELET":                     "1:Setting up kubelet",
		"limit=10&q=%25":                         "0:",
		"limit=10&node=demo-m1&offset=1":         "2:Setting up kubelet",
		"limit=10&node=demo-m1&known=2":          "2:hello|Setting up kubelet",
		"limit=10&offset=3":                      "3:",
		"limit=-1&offset=-9":                     "3:",
		"limit=nonsense":                         "3:",
		"limit=10&offset=99999999999999999999":   "3:hello|E: no package|Setting up kubelet",
		"limit=10&q=" + strings.Repeat("x", 900): "0:",
	} {
		p := w.piece("viewer", log+"?"+query)
		var lines []string
		for _, l := range p.Lines {
			lines = append(lines, l.Line)
		}
		if got := fmt.Sprintf("%d:%s", p.Total, strings.Join(lines, "|")); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := w.piece("viewer:zh", log).Words; got != "3 行" {
		t.Errorf("in Chinese %q", got)
	}
	if got := w.get("viewer", log+".txt?node=demo-w1"); got.body[20:] != " packages demo-w1│ E: no package\n" || got.header.Get("Content-Disposition") != `attachment; filename="op-1.log"` {
		t.Errorf("the download: %q %v", got.body, got.header)
	}
}

// TestRemarks: what the engine itself has to say in a log is in the reader's language.
func TestRemarks(t *testing.T) {
	w := newWorld(t)
	o := w.begin(w.cluster("qa", "demo", 0), "manager", time.Now())
	problem := lifecycle.T("join.failed", "node", "demo-w1", "code", 1)
	o.log(lifecycle.LogLine{Phase: "workers", Node: "demo-w1", At: time.Now(), Line: problem.String(), Text: lifecycle.T("log.failed", "problem", problem)})
	log := "/op/" + o.Label() + "/log"
	for who, want := range map[string]string{
		"viewer":    "Failed: demo-w1: kubeadm join failed (exit code 1).",
		"viewer:zh": "失败：demo-w1：kubeadm join 失败（退出码 1）。",
	} {
		if p := w.piece(who, log+"?limit=1&q=demo-w1"); len(p.Lines) != 1 || p.Lines[0].Line != want {
			t.Errorf("%s reads %+v, want %q", who, p.Lines, want)
		}
		if got := w.get(who, log+".txt").body; !strings.Contains(got, "│ "+want+"\n") {
			t.Errorf("%s downloads %q", who, got)
		}
	}
}

func TestLongLines(t *testing.T) {
	w := newWorld(t)
	o := w.begin(w.cluster("qa", "demo", 0), "manager", time.Now())
	long := strings.Repeat("长", 30_000)
	o.log(lifecycle.LogLine{Phase: "images", At: time.Now(), Line: long})
	l := w.piece("viewer", "/op/"+o.Label()+"/log?limit=1").Lines[0]
	if !l.Cut || len(l.Line) > 4000 || !strings.HasPrefix(long, l.Line) {
		t.Errorf("%d bytes, cut %v", len(l.Line), l.Cut)
	}
	if got := w.get("viewer", "/op/"+o.Label()+"/log.txt").body; !strings.Contains(got, long) {
		t.Error("the download has not all of it")
	}
}

// TestLargeLog: 200,000 lines open at once, and the server does not hold them.
func TestLargeLog(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 200,000 lines")
	}
	const lines = 200_000 / slower
	w := newWorld(t)
	o := w.begin(w.cluster("qa", "demo", 2), "manager", time.Now())
	batch := make([]lifecycle.LogLine, 0, 10_000)
	for i := range lines {
		batch = append(batch, lifecycle.LogLine{Phase: "packages", Node: fmt.Sprintf("demo-w%d", i%3), At: o.StartedAt,
			Line: fmt.Sprintf("line %d: Unpacking containerd.io (1.7.27-1) over (1.7.26-1) and then setting it up with its triggers", i+1)})
		if len(batch) == cap(batch) {
			o.log(batch...)
			batch = batch[:0]
		}
	}
	o.end(lifecycle.OpSucceeded, time.Now())
	page := "/op/" + o.Label()
	before, most := heap(), uint64(0)
	timed := func(path string) time.Duration {
		began := time.Now()
		if got := w.get("viewer", path); got.status != http.StatusOK {
			t.Errorf("%s: %d", path, got.status)
		}
		took := time.Since(began)
		most = max(most, inUse())
		return took
	}
	opened := timed(page) + timed(page+"/log?limit=0") + timed(page+fmt.Sprintf("/log?known=%d&limit=500&offset=%d", lines, lines-500))
	var slowest time.Duration
	for i := range 50 {
		slowest = max(slowest, timed(fmt.Sprintf("%s/log?known=%d&limit=500&offset=%d", page, lines, 1000+i*lines/52)))
	}
	searched := timed(page + "/log?limit=500&q=line+12345")
	downloaded := w.download(page+"/log.txt", &most)
	t.Logf("page and end of the log %v; slowest of 50 windows %v; search %v; download of %d lines; heap %d KiB, at most %d KiB, after it %d KiB",
		opened, slowest, searched, downloaded, before>>10, most>>10, heap()>>10)
	if downloaded != lines {
		t.Errorf("the download has %d lines", downloaded)
	}
	if opened > slower*time.Second || slowest > slower*100*time.Millisecond {
		t.Errorf("opened in %v, a window in %v", opened, slowest)
	}
	if most > before+20<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, most)
	}
}

// download reads a file and counts its lines, without holding them.
func (w *world) download(path string, most *uint64) (lines int) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.server.URL+path, nil)
	check(w.t, err)
	req.Header.Set("X-Who", "viewer")
	res, err := http.DefaultClient.Do(req)
	check(w.t, err)
	defer func() { check(w.t, res.Body.Close()) }()
	in := bufio.NewScanner(res.Body)
	for in.Scan() {
		if lines++; lines%5000 == 0 {
			*most = max(*most, inUse())
		}
	}
	check(w.t, in.Err())
	return lines
}

// heap is what is in use after a collection; inUse what is in use just now, with
// what waits to be collected.
func heap() uint64 {
	runtime.GC()
	return inUse()
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
