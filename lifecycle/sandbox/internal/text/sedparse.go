package text

import (
	"errors"
	"fmt"
	"strings"
)

// sedParser reads commands s d p q a i c with addresses, ranges and !.
type sedParser struct {
	in       string
	extended bool
}

func parseSed(expr string, extended bool) ([]*sedCommand, error) {
	p := &sedParser{expr, extended}
	var out []*sedCommand
	for {
		p.in = strings.TrimLeft(p.in, " \t\n;")
		if p.in == "" {
			return out, nil
		}
		if p.in[0] == '#' {
			_, p.in, _ = strings.Cut(p.in, "\n")
			continue
		}
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
}

func (p *sedParser) command() (*sedCommand, error) {
	c := &sedCommand{}
	var err error
	if c.from, err = p.address(); err != nil {
		return nil, err
	}
	if c.from != nil && strings.HasPrefix(p.in, ",") {
		p.in = p.in[1:]
		if c.to, err = p.address(); err != nil || c.to == nil {
			return nil, errors.New("unexpected ','")
		}
	}
	p.in = strings.TrimLeft(p.in, " ")
	if strings.HasPrefix(p.in, "!") {
		c.negate, p.in = true, strings.TrimLeft(p.in[1:], " ")
	}
	if p.in == "" {
		return nil, errors.New("missing command")
	}
	c.name, p.in = p.in[0], p.in[1:]
	switch c.name {
	case 'd', 'p', 'q':
		return c, nil
	case 's':
		return c, p.substitution(c)
	case 'a', 'i', 'c':
		p.text(c)
		return c, nil
	}
	return nil, fmt.Errorf("unknown command: '%c' (the sandbox knows s d p q a i c)", c.name)
}

func (p *sedParser) text(c *sedCommand) {
	body := strings.TrimLeft(p.in, " \t")
	body = strings.TrimPrefix(body, "\\")
	body = strings.TrimPrefix(body, "\n")
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] == '\n' {
			p.in, c.text = body[i+1:], b.String()
			return
		}
		if body[i] == '\\' && i+1 < len(body) {
			i++
		}
		b.WriteByte(body[i])
	}
	p.in, c.text = "", b.String()
}

func (p *sedParser) address() (*sedAddress, error) {
	switch {
	case p.in == "":
		return nil, nil
	case p.in[0] == '$':
		p.in = p.in[1:]
		return &sedAddress{last: true}, nil
	case p.in[0] == '/' || p.in[0] == '\\' && len(p.in) > 1:
		p.in = strings.TrimPrefix(p.in, "\\")
		pattern, err := p.delimited(p.in[0])
		if err != nil {
			return nil, err
		}
		fold := strings.HasPrefix(p.in, "I")
		p.in = strings.TrimPrefix(p.in, "I")
		re, err := Compile(pattern, p.extended, fold)
		return &sedAddress{re: re}, err
	}
	n := digits(p.in)
	if n == 0 {
		return nil, nil
	}
	a := &sedAddress{line: atoi(p.in[:n])}
	p.in = p.in[n:]
	return a, nil
}

// delimited reads an expression between two delimiters, the first of which is
// the next byte.
func (p *sedParser) delimited(delim byte) (string, error) {
	p.in = p.in[1:]
	var b strings.Builder
	for i := 0; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == delim:
			p.in = p.in[i+1:]
			return b.String(), nil
		case c == '\\' && i+1 < len(p.in) && p.in[i+1] == delim:
			i++
			b.WriteByte(delim)
		case c == '\\' && i+1 < len(p.in):
			b.WriteByte(c)
			i++
			b.WriteByte(p.in[i])
		case c == '[':
			end := bracketEnd(p.in, i)
			b.WriteString(p.in[i:end])
			i = end - 1
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("unterminated expression")
}

func (p *sedParser) substitution(c *sedCommand) error {
	if p.in == "" {
		return errors.New("unterminated 's' command")
	}
	delim := p.in[0]
	pattern, err := p.delimited(delim)
	if err != nil {
		return err
	}
	if c.with, err = p.replacement(delim); err != nil {
		return err
	}
	fold := false
	for p.in != "" && strings.IndexByte("gpiI0123456789", p.in[0]) >= 0 {
		switch f := p.in[0]; f {
		case 'g':
			c.global = true
		case 'p':
			c.print = true
		case 'i', 'I':
			fold = true
		default:
			c.nth = c.nth*10 + int(f-'0')
		}
		p.in = p.in[1:]
	}
	c.re, err = Compile(pattern, p.extended, fold)
	return err
}

func (p *sedParser) replacement(delim byte) (string, error) {
	for i := 0; i < len(p.in); i++ {
		if p.in[i] == '\\' {
			i++
			continue
		}
		if p.in[i] == delim {
			with := p.in[:i]
			p.in = p.in[i+1:]
			return strings.ReplaceAll(with, "\\"+string(delim), string(delim)), nil
		}
	}
	return "", errors.New("unterminated 's' command")
}
