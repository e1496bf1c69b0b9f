package bot_test

import (
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

func TestColon(t *testing.T) {
	for label, want := range map[string]string{"Status": ": ", "状态": "：", "Pod 网络": "：", "虚拟ip": ": ", "": ": "} {
		if got := bot.Colon(label); got != want {
			t.Errorf("%q is followed by %q, not %q", label, got, want)
		}
	}
}
