package dingtalk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// Check implements bot.Checker. Permissions show themselves when a call is made
// that lacks what it needs: the platform looks at the right first and then
// refuses the call, so that nothing happens.
func (d *DingTalk) Check(ctx context.Context) []bot.Finding {
	if _, err := d.client.tokens.get(ctx); err != nil {
		return []bot.Finding{d.unreachable("token", err)}
	}
	out := []bot.Finding{d.fine("token")}
	if d.cfg.Mode == modeHTTP {
		args := map[string]any{"account": d.Name(), "path": "/callback/" + Kind + "/" + d.cfg.Name + "/"}
		out = append(out, bot.Finding{OK: true, Key: "dingtalk.check.http", Args: args})
	}
	if d.cfg.Mode == modeStream {
		if _, err := d.ticket(ctx); err != nil {
			out = append(out, d.unreachable("stream", err))
		} else {
			out = append(out, d.fine("stream"))
		}
	}
	probes := []probe{{name: "robot", call: d.api(http.MethodPost, "/v1.0/robot/oToMessages/batchSend", map[string]any{
		"robotCode": d.cfg.RobotCode, "userIds": []string{}, "msgKey": "sampleText", "msgParam": "{}"})}}
	if d.cfg.Cards != cardsNever {
		probes = append(probes, probe{name: "card", call: d.api(http.MethodPut, "/v1.0/card/instances", map[string]any{"outTrackId": "", "cardData": map[string]any{}})})
		if d.cfg.CardStreaming {
			probes = append(probes, probe{name: "streaming", call: d.api(http.MethodPut, "/v1.0/card/streaming", map[string]any{"outTrackId": "", "key": varStream})})
		}
	}
	if d.cfg.LinkByEmail {
		probes = append(probes, probe{name: "contact", call: func(ctx context.Context) error {
			return d.client.oapi(ctx, "/topapi/v2/user/get", "application/json", []byte(`{"userid":""}`), nil)
		}})
	}
	for _, p := range probes {
		out = append(out, d.probed(p.name, p.call(ctx)))
	}
	return append(out, d.corp()...)
}

type probe struct {
	name string
	call func(context.Context) error
}

func (d *DingTalk) api(method, path string, in any) func(context.Context) error {
	return func(ctx context.Context) error { return d.client.api(ctx, method, path, in, nil) }
}

// probed judges a call that was to be refused for its arguments.
func (d *DingTalk) probed(name string, err error) bot.Finding {
	var refused *apiError
	switch {
	case err == nil:
		return d.fine(name)
	case !errors.As(err, &refused):
		return d.unreachable(name, err)
	case refused.noScope():
		return bot.Finding{Key: "dingtalk.check.scope", Next: "dingtalk.check.scope.next",
			Args: map[string]any{"account": d.Name(), "what": name, "scopes": strings.Join(refused.Scopes, ", ")}}
	case strings.Contains(strings.ToLower(refused.Code), "robotcode") && !strings.HasSuffix(refused.Code, "empty"):
		return bot.Finding{Key: "dingtalk.check.robotCode", Next: "dingtalk.check.robotCode.next",
			Args: map[string]any{"account": d.Name(), "code": d.cfg.RobotCode}}
	case refused.lasting():
		return d.fine(name)
	}
	return d.unreachable(name, err)
}

// corp tells when messages of another organization came in.
func (d *DingTalk) corp() []bot.Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.foreign == "" {
		return nil
	}
	return []bot.Finding{{Key: "dingtalk.check.corp", Next: "dingtalk.check.corp.next",
		Args: map[string]any{"account": d.Name(), "corp": d.cfg.CorpID, "seen": d.foreign}}}
}

func (d *DingTalk) fine(name string) bot.Finding {
	return bot.Finding{OK: true, Key: "dingtalk.check.ok", Args: map[string]any{"account": d.Name(), "what": name}}
}

// unreachable tells a refusal of the credentials from a network that fails.
func (d *DingTalk) unreachable(name string, err error) bot.Finding {
	args := map[string]any{"account": d.Name(), "what": name, "error": err.Error()}
	var refused *apiError
	if errors.As(err, &refused) && refused.Status < 500 && (refused.wait() == 0 || refused.badSecret()) {
		return bot.Finding{Key: "dingtalk.check.credentials", Next: "dingtalk.check.credentials.next", Args: args}
	}
	return bot.Finding{Key: "dingtalk.check.network", Next: "dingtalk.check.network.next", Args: args}
}
