package modeltest_test

import "hash/crc32"

// forge changes one digit of the secret in a key's text, and the checksum with it. The tag stays, by which the
// cache is found where the key is warm.
func forge(text string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	forged := []byte(text)
	last := len(forged) - 6 - 11 - 1 // of the secret: behind it are the tag and the checksum
	if forged[last] == '0' {
		forged[last] = '1'
	} else {
		forged[last] = '0'
	}
	rest := crc32.ChecksumIEEE(forged[:len(forged)-6])
	for i := len(forged) - 1; i >= len(forged)-6; i-- {
		forged[i] = digits[rest%62]
		rest /= 62
	}
	return string(forged)
}
