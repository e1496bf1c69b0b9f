// Package pages serves what chat is too small for: the page of an operation with
// its timeline and its log, the clusters, and the list of operations.
//
// How to add a page: a handler that looks first (Pages.look says whether its
// reader may see the thing, by the command that shows the same in chat), a view
// of plain values, a template below templates, the words under page.* in both
// catalogues, and a line in Handler.
//
// What it must never do: change anything, or start it. A button only names the
// command that it stands for; the layout's script asks for it as chat would, with
// the same confirmation. It must never tell "not yours" from "not there", never
// write markup by hand from what others have said, and never use an inline
// script, style or event handler: the browser is told to refuse them.
package pages
