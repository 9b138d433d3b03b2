"""Brain extraction by ANTs programs that nipype drives."""
