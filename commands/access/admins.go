package access

// MayRemove reports whether by may delete or disable u: the first admin may
// remove anyone, other admins anyone but the first, and the last enabled admin
// stays. The built-in user is no admin in this count: it cannot be reached from
// chat.
func MayRemove(by, u *User, all []User) error {
	if u.ID == LocalUserID {
		return ErrBuiltin
	}
	if u.First && by.ID != u.ID && by.ID != LocalUserID {
		return ErrFirstAdmin
	}
	if u.Admin && !u.Disabled && enabledAdmins(all) <= 1 {
		return ErrLastAdmin
	}
	return nil
}

func enabledAdmins(all []User) int {
	n := 0
	for _, u := range all {
		if u.Admin && !u.Disabled && u.ID != LocalUserID {
			n++
		}
	}
	return n
}
