package pages

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// operationLogText gives the log as a file, filtered like the page, whole lines,
// a batch at a time.
func (p *Pages) operationLogText(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	call, rd, err := p.lookAt(r, in, "op logs ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+call.Op.Label()+`.log"`)
	if err := p.writeLog(r.Context(), w, call.Op.ID, logFilter(r.URL.Query()), rd.Text); err != nil && r.Context().Err() == nil {
		// The answer has begun; cut it off, so that half a file does not look whole.
		p.cfg.Log.Error("a download broke off", "operation", call.Op.Label(), "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (p *Pages) writeLog(ctx context.Context, w http.ResponseWriter, id string, f commands.LogFilter, say func(lifecycle.Text) string) error {
	rc, out := http.NewResponseController(w), bufio.NewWriterSize(w, 32<<10)
	for f.Limit = mostLines; ; {
		lines, err := p.store.Log(ctx, id, f)
		if err != nil {
			return err
		}
		if err := rc.SetWriteDeadline(time.Now().Add(writeFor)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, l := range lines {
			if _, err := fmt.Fprintf(out, "%s %s %s│ %s\n", l.At.UTC().Format(time.RFC3339), l.Phase, l.Node, plain(commands.LogText(l, say))); err != nil {
				return err
			}
		}
		if len(lines) < f.Limit {
			return out.Flush()
		}
		f.After = lines[len(lines)-1].Seq
	}
}
