// Command gendocs writes docs/reference from the code, so that a page can never
// say what the program does not do. With -check it writes nothing and fails when
// a page is not current; a test of this package does the same.
//
// How to add one more page: one line in pages.
package main
