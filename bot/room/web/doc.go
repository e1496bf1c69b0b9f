// Package web is the built-in room's browser front end: the way in by a one-time
// link, sessions, the layout that all pages share, and the room page. Everything
// is rendered here by html/template; one script brings it to life with
// server-sent events.
//
// How to add a page of the room: a route in Web.Handler, a handler, a template
// below templates/ that defines "body". Pages of others (operations, clusters)
// are handed in as handlers and use Visitor and Show.
//
// What it must never do: trust what the browser says about who it is; show a
// room that its reader may not enter; put a script, a style or an address from
// outside into a page; keep state that a restart would lose.
package web
