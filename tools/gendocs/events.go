package main

import (
	"bytes"
	"fmt"

	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const eventsHead = `# Events

<!-- Written by make docs from lifecycle.EventKinds. Do not edit. -->

What happens is written as an event in the same transaction as the change that it tells of; the hub
turns events into messages. Names are stable.

| event | severity | meaning | 含义 |
|---|---|---|---|
`

// eventsPage is the reference of the events, in both languages.
func eventsPage(string) ([]byte, error) {
	catalogue, err := messages.Load()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(eventsHead)
	for _, k := range lifecycle.EventKinds {
		if !catalogue.Has(k.SummaryKey) {
			return nil, fmt.Errorf("the event %s has no summary %s in the catalogues", k.Name, k.SummaryKey)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Severity,
			cell(catalogue.Say("en", k.SummaryKey, nil)), cell(catalogue.Say("zh", k.SummaryKey, nil)))
	}
	return b.Bytes(), nil
}
