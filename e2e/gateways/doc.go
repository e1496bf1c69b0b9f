// Package gateways proves at the built program, against the wire-level fakes of
// bot/bottest, what it must hold towards Slack, DingTalk and WeCom: forged, old and
// repeated callbacks are refused without any work; acknowledgements come in time;
// redeliveries, cut connections and killed replicas neither lose nor repeat a
// command; no rate limit is ever exceeded; several accounts keep apart; doctor
// names what is missing; no secret comes out.
//
// How to add one more proof: one test function. What it needs of a platform is in
// accounts_test.go, what it counts by (the audit, and what rooms show) in
// people_test.go. COXSWAIN_SLOW=1 runs the cards at Slack's true rate, which takes
// five minutes.
//
// What it must never do: count by anything but what a person, an administrator or
// the platform sees; let a fake's limits be softer than the platform's.
package gateways
