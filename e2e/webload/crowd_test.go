package webload

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// crowdEnv tells this binary to be a crowd.
const crowdEnv = "COXSWAIN_WEBLOAD_CROWD"

// descriptors is how many a crowd and the server need each.
const descriptors = 6000

// order is what a crowd is told to do; a line of JSON on its standard input. Any
// further line lets it drop everything.
type order struct {
	Address string
	Path    string
	Cookies []string // taken in turn
	Clients int
}

// turnout is what became of its clients; a line of JSON on its standard output.
type turnout struct {
	Open, Refused int    // 200 and a stream; 503 with Retry-After
	Odd           int    // anything else
	First         string // what was odd first
}

// crowd is a process that holds many streams.
type crowd struct {
	t    testing.TB
	in   io.WriteCloser
	cmd  *exec.Cmd
	told *json.Decoder
}

// gather starts a crowd and gives what became of its clients, all of which are
// connected now.
func gather(t testing.TB, o order) (*crowd, turnout) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), crowdEnv+"=1")
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not outlive a test that is killed
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.told = json.NewDecoder(out)
	if err := json.NewEncoder(c.in).Encode(o); err != nil {
		t.Fatal(err)
	}
	var r turnout
	if err := c.told.Decode(&r); err != nil {
		t.Fatalf("the crowd: %v", err)
	}
	return c, r
}

// scatter lets the crowd cut all of its connections at once.
func (c *crowd) scatter() {
	c.t.Helper()
	if err := c.in.Close(); err != nil {
		c.t.Error(err)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the crowd: %v", err)
	}
}

// allow raises the limit of open files for this process and those that it starts.
func allow(files uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Cur >= files {
		return nil
	}
	l.Cur, l.Max = files, max(files, l.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("%d open files are not allowed: %w", files, err)
	}
	return nil
}

// beCrowd is the crowd's own process.
func beCrowd(in io.Reader, out io.Writer) int {
	lines := bufio.NewReader(in)
	var o order
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err == nil {
		err = allow(descriptors)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		return 1
	}
	conns, r := o.connect()
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return 1
	}
	_, _ = lines.ReadByte() // until the other end lets go
	for _, c := range conns {
		_ = c.SetLinger(0) // cut, not closed: nobody says goodbye
		_ = c.Close()
	}
	return 0
}

// connect opens everything and leaves it open, refused or not.
func (o order) connect() (all []*net.TCPConn, r turnout) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan int)
	for range 64 {
		wg.Go(func() {
			for i := range next {
				conn, status, err := o.open(o.Cookies[i%len(o.Cookies)])
				mu.Lock()
				r.count(status, err)
				if conn != nil {
					all = append(all, conn)
				}
				mu.Unlock()
			}
		})
	}
	for i := range o.Clients {
		next <- i
	}
	close(next)
	wg.Wait()
	return all, r
}

func (r *turnout) count(status int, err error) {
	switch {
	case err == nil && status == http.StatusOK:
		r.Open++
	case err == nil && status == http.StatusServiceUnavailable:
		r.Refused++
	default:
		if r.Odd++; r.First == "" {
			r.First = fmt.Sprintf("status %d, %v", status, err)
		}
	}
}

// open sends a request and reads the head of its answer, and no more.
func (o order) open(cookie string) (*net.TCPConn, int, error) {
	c, err := net.DialTimeout("tcp", o.Address, patience)
	if err != nil {
		return nil, 0, err
	}
	conn := c.(*net.TCPConn)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return conn, 0, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nCookie: %s\r\n\r\n", o.Path, o.Address, cookie)
	if err != nil {
		return conn, 0, err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 2048), nil) //nolint:bodyclose // the body of a stream has no end
	if err != nil {
		return conn, 0, err
	}
	if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
		return conn, res.StatusCode, fmt.Errorf("refused without a word when to come back")
	}
	return conn, res.StatusCode, nil
}
