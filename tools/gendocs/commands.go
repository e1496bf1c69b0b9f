package main

import (
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// commandsPage is the reference of the command language. The commands are
// declared without anything behind them: only their declarations are read.
func commandsPage(string) ([]byte, error) {
	catalogue, err := messages.Load()
	if err != nil {
		return nil, err
	}
	registry, err := commands.NewRegistry(commands.All(&commands.Services{Catalogue: catalogue}))
	if err != nil {
		return nil, err
	}
	return []byte(commands.Reference(registry, catalogue)), nil
}
