// Package vfs is the file system of one simulated machine: directories, files,
// symbolic links, modes and owners, kept in memory, with long files spilled to
// Blobs.
//
// Every change is made by an Op that is applied and handed to the FS's record
// function, so that replaying the ops rebuilds the tree exactly. To add a kind
// of change, add its constant, its case in Apply and the method that makes it.
//
// What it must never do: touch the real file system by a simulated path, or
// change anything without an Op. It holds no lock; its owner does.
package vfs
