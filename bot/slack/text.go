package slack

import "strings"

// plain makes of Slack's markup what the person typed: without the mention of
// self, links as they were written, entities as
// characters. Source: Slack's page "Formatting text for app surfaces".
func plain(text, self string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(before)
		inside, after, closed := strings.Cut(rest, ">")
		if !found {
			break
		}
		if !closed {
			b.WriteString("<" + rest)
			break
		}
		if user, mention := strings.CutPrefix(inside, "@"); !mention || self == "" || user != self {
			b.WriteString(unlink(inside))
		}
		text = after
	}
	return strings.TrimSpace(entities.Replace(b.String()))
}

// firstMention is who a text begins to address, "" for nobody.
func firstMention(text string) string {
	_, rest, _ := strings.Cut(text, "<@")
	user, _, closed := strings.Cut(rest, ">")
	if !closed || strings.ContainsAny(user, "<|") {
		return ""
	}
	return user
}

// entities are the only three that Slack uses; &amp; is replaced in the same
// pass, so that &amp;lt; stays &lt;.
var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// unlink gives the words of one piece of markup, what stood between < and >.
func unlink(inside string) string {
	target, label, labelled := strings.Cut(inside, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		return "<" + target + ">" // somebody else: an id, which commands may take
	case strings.HasPrefix(target, "#"):
		if labelled && label != "" {
			return "#" + label
		}
		return target
	case strings.HasPrefix(target, "!"):
		if labelled {
			return label
		}
		return "@" + strings.TrimPrefix(target, "!")
	case labelled && wroteLabel(target, label):
		return label
	}
	return strings.TrimPrefix(target, "mailto:")
}

// wroteLabel tells a link that Slack made out of a host name or address from one
// that a person gave other words.
func wroteLabel(target, label string) bool {
	for _, scheme := range []string{"", "http://", "https://", "mailto:", "tel:"} {
		if target == scheme+label || target == scheme+label+"/" {
			return true
		}
	}
	return false
}

// escape makes text literal in mrkdwn: no mention, no link.
func escape(text string) string { return escapes.Replace(text) }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
