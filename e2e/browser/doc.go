// Package browser uses the pages of the built program in a real Chromium, as
// people do: with a mouse, with keys only, on a phone, in two languages, while
// the program is killed.
//
// How to add a scenario: a script in e2e/npm/browser that calls play of lib.js,
// and its name in scenarios. A script has the browser; what only the one who runs
// the server can do (type in a terminal, pull the plug) it asks of the Go test by
// lines on its standard output.
//
// Pictures of every page, for docs/images, are taken while looks.js looks:
//
//	make pictures
//
// which is COXSWAIN_SCREENSHOTS=<directory> go test -run TestPages/looks ./e2e/browser.
//
// What it must never do: wait for time instead of for what is seen; reach a
// server that it did not start.
package browser
