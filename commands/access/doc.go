// Package access decides who may do what: users and their linked identities,
// roles, the permission matrix, denials.
//
// How to add a permission: one constant and one row in matrix.go, and its row in
// the hand-written golden of the permission test.
//
// What it must never do: import anything of the house (it is a leaf that anyone
// may import); fall open: an unknown permission, role or user is denied; hint in
// a denial at what exists.
package access
