package pgtest

import "syscall"

// attributes are those of a process of the account's.
func (a account) attributes() *syscall.SysProcAttr {
	// A test that panics runs no Cleanup, and must leave no server behind.
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if a.other {
		attributes.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attributes
}
