package fakewecom

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// aesKey makes an EncodingAESKey.
func aesKey() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(base64.StdEncoding.EncodeToString(b), "=")
}

// Sign gives the signature of a callback.
func Sign(token, timestamp, nonce, encrypted string) string {
	parts := []string{token, timestamp, nonce, encrypted}
	sort.Strings(parts)
	return fmt.Sprintf("%x", sha1.Sum([]byte(strings.Join(parts, ""))))
}

// Encrypt makes the encrypted part of a callback.
func Encrypt(encodingAESKey, message, receiver string) (string, error) {
	block, key, err := cipherOf(encodingAESKey)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	head := make([]byte, 16)
	if _, err := rand.Read(head); err != nil {
		return "", err
	}
	b.Write(head)
	if err := binary.Write(&b, binary.BigEndian, uint32(len(message))); err != nil {
		return "", err
	}
	b.WriteString(message + receiver)
	n := 32 - b.Len()%32
	b.Write(bytes.Repeat([]byte{byte(n)}, n))
	out := make([]byte, b.Len())
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, b.Bytes())
	return base64.StdEncoding.EncodeToString(out), nil
}

// Decrypt gives what is in an encrypted part, and for whom it is.
func Decrypt(encodingAESKey, encrypted string) (message, receiver string, err error) {
	block, key, err := cipherOf(encodingAESKey)
	if err != nil {
		return "", "", err
	}
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(data) < 32 || len(data)%16 != 0 {
		return "", "", errors.New("fakewecom: not an encrypted part")
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(data, data)
	n := int(data[len(data)-1])
	if n < 1 || n > 32 || n > len(data)-20 {
		return "", "", errors.New("fakewecom: the padding is wrong")
	}
	data = data[:len(data)-n]
	size := int(binary.BigEndian.Uint32(data[16:20]))
	if size > len(data)-20 {
		return "", "", errors.New("fakewecom: the length is wrong")
	}
	return string(data[20 : 20+size]), string(data[20+size:]), nil
}

func cipherOf(encodingAESKey string) (cipher.Block, []byte, error) {
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil || len(key) != 32 {
		return nil, nil, errors.New("fakewecom: not an EncodingAESKey")
	}
	block, err := aes.NewCipher(key)
	return block, key, err
}
