# One function for each kind of rule. rules.so and rules.txt are made of it by rules.sh.

	.macro function name
	.text
	.type \name, @function
\name:
	.cfi_startproc
	nop
	.endm

	.macro end name
	ret
	.cfi_endproc
	.size \name, .-\name
	.endm

	function pushes # rsp+n, rbp+n, remember and restore, as compilers write it
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	nop
	.cfi_def_cfa_register rbp
	nop
	.cfi_remember_state
	.cfi_restore rbp
	.cfi_def_cfa rsp, 8
	nop
	.cfi_restore_state
	nop
	end pushes

	function far # advance_loc1, 2 and 4; args_size
	.cfi_def_cfa_offset 16
	.fill 200, 1, 0x90
	.cfi_def_cfa_offset 24
	.fill 500, 1, 0x90
	.cfi_def_cfa_offset 32
	.cfi_escape 0x2e, 16
	.cfi_escape 0x04, 16, 0, 0, 0 # a row in the last bytes, of which gas knows nothing
	.cfi_escape 0x0e, 40
	.fill 20, 1, 0x90
	end far

	function leaf # registers of the leaf
	.cfi_def_cfa rax, 8
	nop
	.cfi_def_cfa rsi, 64
	nop
	.cfi_def_cfa r9, 16
	nop
	.cfi_def_cfa_register r11
	nop
	.cfi_def_cfa r15, 8
	nop
	end leaf

	function derefs # def_cfa_expression: breg7 24; deref; plus_uconst 8, and its kin
	.cfi_escape 0x0f, 5, 0x77, 24, 0x06, 0x23, 8
	nop
	.cfi_escape 0x0f, 6, 0x77, 0x98, 1, 0x06, 0x23, 8
	nop
	.cfi_escape 0x0f, 5, 0x77, 0x78, 0x06, 0x23, 8
	nop
	.cfi_escape 0x0f, 6, 0x76, 0xd8, 0, 0x06, 0x23, 8
	nop
	.cfi_escape 0x0f, 3, 0x76, 0x78, 0x06 # the stack was aligned anew; rbp is at *rbp
	.cfi_escape 0x10, 6, 2, 0x76, 0
	nop
	.cfi_escape 0x0f, 11, 0x77, 8, 0x79, 0, 0x38, 0x1e, 0x22, 0x06, 0x23, 8, 0x96 # and a nop: no rule
	nop
	.cfi_escape 0x0f, 10, 0x77, 8, 0x79, 0, 0x38, 0x1e, 0x22, 0x06, 0x23, 8 # indexed by r9
	nop
	.cfi_escape 0x0f, 3, 0x77, 24, 0x22 # no rule
	nop
	.cfi_def_cfa rsp, 8
	nop
	end derefs

	function lost # the return address is in a register
	.cfi_register rip, rdi
	nop
	.cfi_restore rip
	nop
	.cfi_register rbp, rax # the frame pointer
	nop
	.cfi_same_value rbp
	nop
	.cfi_undefined rip # it is the last frame
	nop
	end lost

	function odd # forms that compilers seldom choose
	.cfi_escape 0x05, 6, 2 # offset_extended
	nop
	.cfi_escape 0x06, 6 # restore_extended
	nop
	.cfi_escape 0x11, 6, 0x7e # offset_extended_sf
	nop
	.cfi_escape 0x12, 7, 0x7e # def_cfa_sf
	nop
	.cfi_escape 0x13, 0x7d # def_cfa_offset_sf
	nop
	.cfi_escape 0x14, 6, 2 # val_offset
	nop
	.cfi_escape 0x16, 6, 2, 0x77, 0 # val_expression
	nop
	.cfi_escape 0x2f, 6, 2 # GNU_negative_offset_extended
	nop
	.cfi_escape 0x14, 7, 0 # val_offset: the stack pointer is the CFA
	nop
	.cfi_escape 0x0d, 6 # def_cfa_register
	nop
	end odd

	function cleanup # zPLR
	.cfi_personality 0x9b, pushes
	.cfi_lsda 0x1b, pushes
	.cfi_def_cfa_offset 16
	nop
	end cleanup

	function handler # zRS
	.cfi_signal_frame
	.cfi_def_cfa_offset 16
	nop
	.cfi_escape 0x0f, 4, 0x77, 0xa0, 1, 0x06
	.cfi_escape 0x10, 16, 3, 0x77, 0xa8, 1
	.cfi_escape 0x10, 7, 3, 0x77, 0xa0, 1
	.cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0
	nop
	end handler

	.section .note.GNU-stack, "", @progbits
