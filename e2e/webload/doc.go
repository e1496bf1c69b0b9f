// Package webload is the built program's room under load, over HTTP as browsers
// speak it: five thousand streams from another process, a living card in fifty
// browsers, a server that is killed while twenty follow, a log of 200,000 lines.
// The figures are printed; what is promised of them is asserted, with room for a
// machine that does other things as well.
//
// How to add a load: a test that starts the program with drive, lets people in
// with enter, and counts what they see. A crowd is a process of its own (crowd).
//
// What it must never do: look into the program's data; load the server from
// inside of its process; hide a figure that misses its bar.
package webload
