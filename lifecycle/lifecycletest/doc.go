// Package lifecycletest proves engines and providers: a store that dies at a
// chosen persisted edge, a world whose effects are counted, and the tests that
// try every edge on both databases.
//
// How to add an edge: nothing is to be done for the store (every call has one
// before and one after); an outside call gets its two with World.Act.
//
// What it must never do: let an assertion rest on the engine's own journal; the
// world is the witness.
package lifecycletest
