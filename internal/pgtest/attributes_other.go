//go:build !linux

package pgtest

import "syscall"

// attributes are those of a process of the account's. Elsewhere root has to run tests as another.
func (a account) attributes() *syscall.SysProcAttr { return nil }
